from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("systems", "0002_name_systems")]
    operations = [migrations.RunSQL("ALTER TABLE systems_system DROP COLUMN absent")]
