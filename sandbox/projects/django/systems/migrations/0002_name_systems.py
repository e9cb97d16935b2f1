from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("systems", "0001_create_systems")]
    operations = [migrations.RunSQL("ALTER TABLE systems_system ADD COLUMN name text")]
